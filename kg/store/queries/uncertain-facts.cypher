// title: The least certain facts of a category
// question: Which facts about items of this category should a person look at first?
// parameter: category text
// parameter: below number = 0.8
// parameter: limit integer = 50
// columns: item, title, relation, value, surface, confidence
// chart: table
MATCH (c:Category)<-[:HAS_CATEGORY]-(i:Item)
WHERE c.value = $category
MATCH (i)-[r]->(v)
WHERE r.confidence < $below
RETURN i.item_id AS item, i.title AS title, type(r) AS relation, v.value AS value, r.surface AS surface, r.confidence AS confidence
ORDER BY confidence, item, relation, value LIMIT $limit
