// title: Brands of a single item
// question: Which brands connect nothing, and may be misspelt?
// parameter: limit integer = 50
// columns: brand, item, title
// chart: table
MATCH (v:Brand)<-[:HAS_BRAND]-(i:Item)
WITH v, count(i) AS items, min(i.item_id) AS item, min(i.title) AS title
WHERE items = 1
RETURN v.value AS brand, item, title
ORDER BY brand LIMIT $limit
