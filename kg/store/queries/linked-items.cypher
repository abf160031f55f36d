// title: Items that the shop links to an item
// question: Which items does the catalogue name beside this one, and by which relation?
// parameter: item text
// columns: relation, item, title
// chart: graph
MATCH (i:Item)-[r:ALSO_BOUGHT|ALSO_VIEWED|BOUGHT_TOGETHER|COMPATIBLE_WITH|SAME_AS]->(other:Item)
WHERE i.item_id = $item
RETURN type(r) AS relation, other.item_id AS item, other.title AS title
ORDER BY relation, item
