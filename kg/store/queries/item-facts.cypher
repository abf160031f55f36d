// title: Everything known of an item
// question: What is this item, and which text or field says so?
// parameter: item text
// columns: relation, value, surface, field, extractor, confidence
// chart: table
MATCH (i:Item)-[r]->(v)
WHERE i.item_id = $item AND r.field IS NOT NULL
RETURN type(r) AS relation, v.value AS value, r.surface AS surface, r.field AS field, r.extractor AS extractor, r.confidence AS confidence
ORDER BY relation, value
