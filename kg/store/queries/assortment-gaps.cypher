// title: Brands that a category lacks
// question: Which brands do the best shoppers of this category buy elsewhere, while the brand has nothing here?
// parameter: category text
// parameter: best_shoppers integer = 15
// parameter: limit integer = 20
// columns: brand, shoppers, items
// chart: bar brand shoppers
MATCH (c:Category)<-[:HAS_CATEGORY]-(:Item)-[:HAS_BRAND]->(b:Brand)
WHERE c.value = $category
WITH collect(DISTINCT b.value) AS here
MATCH (c:Category)<-[:HAS_CATEGORY]-(:Item)<-[:PURCHASED]-(u:User)
WHERE c.value = $category
WITH here, u, count(*) AS bought ORDER BY bought DESC LIMIT $best_shoppers
MATCH (u)-[:PURCHASED]->(i:Item)-[:HAS_BRAND]->(b:Brand)
WHERE NOT b.value IN here
RETURN b.value AS brand, count(DISTINCT u) AS shoppers, count(DISTINCT i) AS items
ORDER BY shoppers DESC, brand LIMIT $limit
