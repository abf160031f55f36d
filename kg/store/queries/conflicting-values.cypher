// title: Items with conflicting values
// question: Which items have several values where one is expected?
// parameter: limit integer = 50
// columns: item, title, relation, values
// chart: table
MATCH (i:Item)-[r:HAS_WEIGHT|HAS_VOLUME|HAS_BRAND|HAS_PACK_SIZE]->(v)
WITH i, type(r) AS relation, v.value AS value ORDER BY value
WITH i, relation, collect(value) AS values
WHERE size(values) > 1
RETURN i.item_id AS item, i.title AS title, relation, values
ORDER BY item, relation LIMIT $limit
