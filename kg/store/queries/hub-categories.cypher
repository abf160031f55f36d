// title: Categories that most items share
// question: Which categories are so large that they say little?
// parameter: limit integer = 20
// columns: category, items
// chart: bar category items
MATCH (v:Category)<-[:HAS_CATEGORY]-(i:Item)
RETURN v.value AS category, count(i) AS items
ORDER BY items DESC, category LIMIT $limit
