// title: The graph of a category
// question: Which values do the items of this category have, as a graph?
// parameter: category text
// parameter: limit integer = 2000
// columns: path
// chart: graph
MATCH (c:Category)<-[:HAS_CATEGORY]-(i:Item)
WHERE c.value = $category
MATCH path = (i)-[r]->(v)
WHERE r.field IS NOT NULL
RETURN path
ORDER BY i.item_id, type(r), v.value LIMIT $limit
