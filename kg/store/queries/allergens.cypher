// title: Items with an allergen
// question: Which items are declared to contain this allergen, and by which words?
// parameter: allergen text
// parameter: limit integer = 100
// columns: item, title, surface, field
// chart: table
MATCH (a:Allergen)<-[r:HAS_ALLERGEN]-(i:Item)
WHERE a.value = $allergen
RETURN i.item_id AS item, i.title AS title, r.surface AS surface, r.field AS field
ORDER BY item LIMIT $limit
