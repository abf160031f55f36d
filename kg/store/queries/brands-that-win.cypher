// title: Brands that win shoppers from a brand
// question: Where do shoppers go who bought this brand and then, later, only another one?
// parameter: brand text
// parameter: category text
// parameter: limit integer = 20
// columns: winner, shoppers
// chart: bar winner shoppers
MATCH (c:Category)<-[:HAS_CATEGORY]-(i:Item)-[:HAS_BRAND]->(b:Brand)
WHERE c.value = $category AND b.value = $brand
MATCH (i)<-[r:PURCHASED]-(u:User)
WITH c, b, u, max(r.last_time) AS left_at
MATCH (c)<-[:HAS_CATEGORY]-(j:Item)-[:HAS_BRAND]->(other:Brand)
WHERE other.value <> $brand
MATCH (j)<-[s:PURCHASED]-(u)
WHERE s.first_time > left_at
RETURN other.value AS winner, count(DISTINCT u) AS shoppers
ORDER BY shoppers DESC, winner LIMIT $limit
