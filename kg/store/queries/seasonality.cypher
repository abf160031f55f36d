// title: The season of a category
// question: In which months did shoppers first buy an item of this category?
// parameter: category text
// columns: month, first_purchases
// chart: line month first_purchases
MATCH (c:Category)<-[:HAS_CATEGORY]-(:Item)<-[r:PURCHASED]-(:User)
WHERE c.value = $category AND r.first_time IS NOT NULL
WITH datetime({epochSeconds: toInteger(r.first_time)}) AS at
RETURN at.year * 100 + at.month AS month, count(*) AS first_purchases
ORDER BY month
