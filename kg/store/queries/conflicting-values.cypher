// title: Items of a category with conflicting values
// question: Which items have several values where one is expected?
// parameter: category text
// parameter: limit integer = 50
// columns: item, title, relation, values
// chart: table
MATCH (c:Category)<-[:HAS_CATEGORY]-(i:Item)
WHERE c.value = $category
MATCH (i)-[r:HAS_WEIGHT|HAS_VOLUME|HAS_BRAND|HAS_PACK_SIZE]->(v)
WITH i.item_id AS item, i.title AS title, type(r) AS relation, v.value AS value ORDER BY value
WITH item, title, relation, collect(value) AS values
WHERE size(values) > 1
RETURN item, title, relation, values
ORDER BY item, relation LIMIT $limit
