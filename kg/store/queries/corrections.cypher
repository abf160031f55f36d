// title: What persons stated of a category
// question: Which facts about items of this category were stated by a person, by whom and why?
// parameter: category text
// parameter: limit integer = 100
// columns: item, title, relation, value, who, note, time
// chart: table
MATCH (c:Category)<-[:HAS_CATEGORY]-(i:Item)
WHERE c.value = $category
MATCH (i)-[r]->(v)
WHERE r.extractor = 'person'
RETURN i.item_id AS item, i.title AS title, type(r) AS relation, v.value AS value, r.by AS who, r.note AS note, r.time AS time
ORDER BY time DESC, item LIMIT $limit
