// title: Complements of an item
// question: What do its latest shoppers buy that shares no category with it?
// parameter: item text
// parameter: latest_shoppers integer = 100
// parameter: limit integer = 20
// columns: item, title, shoppers
// chart: bar title shoppers
MATCH (i:Item)-[:HAS_CATEGORY]->(c:Category)
WHERE i.item_id = $item
WITH collect(c.value) AS categories
MATCH (i:Item)<-[r:PURCHASED]-(u:User)
WHERE i.item_id = $item
WITH categories, u, r.last_time AS last_time ORDER BY last_time DESC LIMIT $latest_shoppers
MATCH (u)-[:PURCHASED]->(other:Item)
WHERE other.item_id <> $item
WITH categories, other.item_id AS item, other.title AS title, count(u) AS shoppers ORDER BY shoppers DESC, item LIMIT 300
MATCH (o:Item)
WHERE o.item_id = item AND none(name IN [(o)-[:HAS_CATEGORY]->(d:Category) | d.value] WHERE name IN categories)
RETURN item, title, shoppers
ORDER BY shoppers DESC, item LIMIT $limit
