// title: Items that nobody bought
// question: Which items of a category have no purchase, and how many values do they have to be found by?
// parameter: category text
// parameter: limit integer = 50
// columns: item, title, values
// chart: table
MATCH (c:Category)<-[:HAS_CATEGORY]-(i:Item)
WHERE c.value = $category AND NOT EXISTS { MATCH (i)<-[:PURCHASED]-() }
OPTIONAL MATCH (i)-[r]->()
WHERE r.field IS NOT NULL
RETURN i.item_id AS item, i.title AS title, count(r) AS values
ORDER BY values, item LIMIT $limit
