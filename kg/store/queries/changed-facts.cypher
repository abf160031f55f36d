// title: Facts of a category that the last build changed
// question: What is newly known, or known otherwise, since the build before?
// parameter: category text
// parameter: limit integer = 100
// columns: item, relation, value, extractor, confidence
// chart: table
MATCH (b:Reckon_Build)
MATCH (c:Category)<-[:HAS_CATEGORY]-(i:Item)
WHERE c.value = $category
MATCH (i)-[r]->(v)
WHERE r.build_id = b.build_id AND r.field IS NOT NULL
RETURN i.item_id AS item, type(r) AS relation, v.value AS value, r.extractor AS extractor, r.confidence AS confidence
ORDER BY item, relation, value LIMIT $limit
