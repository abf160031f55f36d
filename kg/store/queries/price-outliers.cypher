// title: Prices far from those of the category
// question: Which items of a category cost several times the usual, or a fraction of it?
// parameter: category text
// parameter: times number = 2.0
// parameter: limit integer = 50
// columns: item, title, price_cents, average_cents
// chart: table
MATCH (c:Category)<-[:HAS_CATEGORY]-(x:Item)
WHERE c.value = $category
WITH avg(x.price_cents) AS average
MATCH (c:Category)<-[:HAS_CATEGORY]-(i:Item)
WHERE c.value = $category AND (i.price_cents > average * $times OR i.price_cents * $times < average)
RETURN i.item_id AS item, i.title AS title, i.price_cents AS price_cents, round(average) AS average_cents
ORDER BY price_cents DESC, item LIMIT $limit
