// title: Brands that a category lacks
// question: Which brands do the shoppers of this category buy elsewhere, while the brand has nothing here?
// parameter: category text
// parameter: sample integer = 200
// parameter: limit integer = 20
// columns: brand, shoppers, items
// chart: bar brand shoppers
MATCH (c:Category)<-[:HAS_CATEGORY]-(:Item)<-[:PURCHASED]-(u:User)
WHERE c.value = $category
WITH c, u, count(*) AS bought ORDER BY bought DESC LIMIT $sample
MATCH (u)-[:PURCHASED]->(i:Item)-[:HAS_BRAND]->(b:Brand)
WITH c, b, count(DISTINCT u) AS shoppers, count(DISTINCT i) AS items
WHERE NOT EXISTS { MATCH (b)<-[:HAS_BRAND]-(:Item)-[:HAS_CATEGORY]->(c) }
RETURN b.value AS brand, shoppers, items
ORDER BY shoppers DESC, brand LIMIT $limit
