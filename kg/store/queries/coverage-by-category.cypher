// title: Coverage by category
// question: In which categories do brands and prices lack?
// parameter: limit integer = 50
// columns: category, items, with_brand, with_price
// chart: bar category items
MATCH (c:Category)<-[:HAS_CATEGORY]-(i:Item)
OPTIONAL MATCH (i:Item)-[b:HAS_BRAND]->()
RETURN c.value AS category, count(DISTINCT i) AS items, count(DISTINCT CASE WHEN b IS NULL THEN null ELSE i END) AS with_brand,
       count(DISTINCT CASE WHEN i.price_cents IS NULL THEN null ELSE i END) AS with_price
ORDER BY items DESC, category LIMIT $limit
