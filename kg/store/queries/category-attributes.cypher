// title: Which attributes the items of a category have
// question: How complete is each attribute in this category?
// parameter: category text
// columns: relation, items, of, fraction
// chart: bar relation fraction
MATCH (c:Category)<-[:HAS_CATEGORY]-(i:Item)
WHERE c.value = $category
WITH count(i) AS total
MATCH (c:Category)<-[:HAS_CATEGORY]-(i:Item)
WHERE c.value = $category
MATCH (i)-[r]->()
WHERE r.field IS NOT NULL
WITH total, type(r) AS relation, count(DISTINCT i) AS items
RETURN relation, items, total AS of, round(1000.0 * items / total) / 1000 AS fraction
ORDER BY items DESC, relation
