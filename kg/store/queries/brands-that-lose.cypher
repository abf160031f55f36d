// title: Brands that lose shoppers to a brand
// question: Which brands of the category did the newest shoppers of this one buy before, and not since?
// parameter: brand text
// parameter: category text
// parameter: newest_shoppers integer = 75
// parameter: limit integer = 20
// columns: loser, shoppers
// chart: bar loser shoppers
MATCH (c:Category)<-[:HAS_CATEGORY]-(i:Item)-[:HAS_BRAND]->(b:Brand)
WHERE c.value = $category AND b.value = $brand
MATCH (i)<-[r:PURCHASED]-(u:User)
WITH u, min(r.first_time) AS came_at ORDER BY came_at DESC LIMIT $newest_shoppers
MATCH (u)-[s:PURCHASED]->(j:Item)-[:HAS_CATEGORY]->(c:Category)
WHERE c.value = $category
MATCH (j)-[:HAS_BRAND]->(other:Brand)
WHERE other.value <> $brand
WITH other.value AS loser, u, came_at, max(s.last_time) AS left_at
WHERE left_at < came_at
RETURN loser, count(u) AS shoppers
ORDER BY shoppers DESC, loser LIMIT $limit
