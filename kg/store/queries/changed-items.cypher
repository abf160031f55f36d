// title: Items that the last build changed
// question: Which items are new or differ since the build before?
// parameter: limit integer = 100
// columns: item, title, price_cents, build
// chart: table
MATCH (b:Reckon_Build)
MATCH (i:Item)
WHERE i.build_id = b.build_id
RETURN i.item_id AS item, i.title AS title, i.price_cents AS price_cents, i.build_id AS build
ORDER BY item LIMIT $limit
