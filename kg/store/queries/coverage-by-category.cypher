// title: Coverage by category
// question: In which of the largest categories do brands and prices lack?
// parameter: limit integer = 20
// columns: category, items, with_brand, with_price
// chart: bar category items
MATCH (i:Item)
OPTIONAL MATCH (i:Item)-[b:HAS_BRAND]->()
WITH i, i.price_cents AS price, b.build_id AS brand
MATCH (i:Item)-[:HAS_CATEGORY]->(c:Category)
RETURN c.value AS category, count(*) AS items, count(brand) AS with_brand, count(price) AS with_price
ORDER BY items DESC, category LIMIT $limit
