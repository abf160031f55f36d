// title: Items of the same title
// question: Which titles do several items of a category share?
// parameter: category text
// parameter: limit integer = 50
// columns: title, items, cheapest_cents, dearest_cents
// chart: table
MATCH (c:Category)<-[:HAS_CATEGORY]-(i:Item)
WHERE c.value = $category
WITH i.title AS title, count(*) AS items, min(i.price_cents) AS cheapest, max(i.price_cents) AS dearest
WHERE items > 1
RETURN title, items, cheapest AS cheapest_cents, dearest AS dearest_cents
ORDER BY items DESC, title LIMIT $limit
