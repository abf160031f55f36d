// title: Brands that lose shoppers to a brand
// question: Which brands did shoppers of this one buy before, and not since?
// parameter: brand text
// parameter: category text
// parameter: limit integer = 20
// columns: loser, shoppers
// chart: bar loser shoppers
MATCH (c:Category)<-[:HAS_CATEGORY]-(i:Item)-[:HAS_BRAND]->(b:Brand)
WHERE c.value = $category AND b.value = $brand
MATCH (i)<-[r:PURCHASED]-(u:User)
WITH c, u, min(r.first_time) AS came_at
MATCH (c)<-[:HAS_CATEGORY]-(j:Item)-[:HAS_BRAND]->(other:Brand)
WHERE other.value <> $brand
MATCH (j)<-[s:PURCHASED]-(u)
WITH other, u, came_at, max(s.last_time) AS left_at
WHERE left_at < came_at
RETURN other.value AS loser, count(DISTINCT u) AS shoppers
ORDER BY shoppers DESC, loser LIMIT $limit
