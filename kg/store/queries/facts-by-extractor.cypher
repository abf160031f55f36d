// title: Who read the facts of a category
// question: How many facts come from fields, rules, models and persons, and how certain are they?
// parameter: category text
// columns: extractor, relation, facts, confidence
// chart: bar extractor facts
MATCH (c:Category)<-[:HAS_CATEGORY]-(i:Item)
WHERE c.value = $category
MATCH (i)-[r]->()
WHERE r.extractor IS NOT NULL
RETURN r.extractor AS extractor, type(r) AS relation, count(*) AS facts, round(avg(r.confidence) * 1000) / 1000 AS confidence
ORDER BY facts DESC, extractor, relation
