// title: What a correction changed
// question: Which items does a corrected fact connect this item with, and how many shoppers do they bring?
// parameter: item text
// columns: relation, value, who, items, shoppers
// chart: table
MATCH (i:Item)-[r]->(v)
WHERE i.item_id = $item AND r.extractor = 'person'
OPTIONAL MATCH (v)<-[:HAS_BRAND|HAS_CATEGORY|HAS_COLOR|HAS_FLAVOR|HAS_WEIGHT|HAS_VOLUME]-(other:Item)
WHERE other.item_id <> $item
OPTIONAL MATCH (other)<-[:PURCHASED]-(u:User)
RETURN type(r) AS relation, v.value AS value, r.by AS who, count(DISTINCT other) AS items, count(DISTINCT u) AS shoppers
ORDER BY relation, value
