// title: Ages of a category's shoppers
// question: How old are the shoppers of this category, where their age is known?
// parameter: category text
// columns: age, shoppers, purchases
// chart: bar age shoppers
MATCH (c:Category)<-[:HAS_CATEGORY]-(:Item)<-[r:PURCHASED]-(u:User)
WHERE c.value = $category
WITH u, sum(r.count) AS purchases
MATCH (u)-[:HAS_AGE]->(a:Age)
RETURN a.value AS age, count(u) AS shoppers, sum(purchases) AS purchases
ORDER BY age
