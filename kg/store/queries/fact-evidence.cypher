// title: Evidence of one fact
// question: Where does the shop say that this item has this value?
// parameter: item text
// parameter: value text
// columns: relation, title, field, start, stop, surface, extractor, version, confidence, build
// chart: table
MATCH (i:Item)-[r]->(v)
WHERE i.item_id = $item AND v.value = $value
RETURN type(r) AS relation, i.title AS title, r.field AS field, r.start AS start, r.`end` AS stop, r.surface AS surface,
       r.extractor AS extractor, r.extractor_version AS version, r.confidence AS confidence, r.build_id AS build
ORDER BY relation
