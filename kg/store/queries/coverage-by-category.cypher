// title: Coverage by category
// question: In which categories of the items of this one do brands and prices lack?
// parameter: category text
// parameter: limit integer = 50
// columns: category, items, with_brand, with_price
// chart: bar category items
MATCH (top:Category)<-[:HAS_CATEGORY]-(i:Item)
WHERE top.value = $category
OPTIONAL MATCH (i:Item)-[b:HAS_BRAND]->()
WITH i, i.price_cents AS price, b.build_id AS brand
MATCH (i:Item)-[:HAS_CATEGORY]->(c:Category)
RETURN c.value AS category, count(*) AS items, count(brand) AS with_brand, count(price) AS with_price
ORDER BY items DESC, category LIMIT $limit
