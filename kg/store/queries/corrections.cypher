// title: What persons stated
// question: Which facts were stated by a person, by whom and why?
// parameter: limit integer = 100
// columns: item, title, relation, value, who, note, time
// chart: table
MATCH (i:Item)-[r]->(v)
WHERE r.extractor = 'person'
RETURN i.item_id AS item, i.title AS title, type(r) AS relation, v.value AS value, r.by AS who, r.note AS note, r.time AS time
ORDER BY time DESC, item LIMIT $limit
