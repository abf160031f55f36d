// title: Shares of the brands in a category
// question: How many shoppers of a category does each brand reach?
// parameter: category text
// parameter: limit integer = 20
// columns: brand, shoppers, purchases
// chart: bar brand shoppers
MATCH (c:Category)<-[:HAS_CATEGORY]-(i:Item)-[:HAS_BRAND]->(b:Brand)
WHERE c.value = $category
MATCH (i)<-[r:PURCHASED]-(u:User)
RETURN b.value AS brand, count(DISTINCT u) AS shoppers, sum(r.count) AS purchases
ORDER BY shoppers DESC, brand LIMIT $limit
