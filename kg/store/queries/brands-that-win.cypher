// title: Brands that win shoppers from a brand
// question: What do shoppers buy later in the category whose last purchase of this brand is longest ago?
// parameter: brand text
// parameter: category text
// parameter: lost_shoppers integer = 100
// parameter: limit integer = 20
// columns: winner, shoppers
// chart: bar winner shoppers
MATCH (c:Category)<-[:HAS_CATEGORY]-(i:Item)-[:HAS_BRAND]->(b:Brand)
WHERE c.value = $category AND b.value = $brand
MATCH (i)<-[r:PURCHASED]-(u:User)
WITH u, max(r.last_time) AS left_at ORDER BY left_at LIMIT $lost_shoppers
MATCH (u)-[s:PURCHASED]->(j:Item)
WHERE s.first_time > left_at
MATCH (j)-[:HAS_CATEGORY]->(c:Category)
WHERE c.value = $category
MATCH (j)-[:HAS_BRAND]->(other:Brand)
WHERE other.value <> $brand
RETURN other.value AS winner, count(DISTINCT u) AS shoppers
ORDER BY shoppers DESC, winner LIMIT $limit
