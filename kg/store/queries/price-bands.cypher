// title: Price bands of a category
// question: How many items cost how much?
// parameter: category text
// parameter: width_cents integer = 500
// columns: from_cents, items, brands
// chart: bar from_cents items
MATCH (c:Category)<-[:HAS_CATEGORY]-(i:Item)
WHERE c.value = $category AND i.price_cents IS NOT NULL
OPTIONAL MATCH (i)-[:HAS_BRAND]->(b:Brand)
RETURN i.price_cents / $width_cents * $width_cents AS from_cents, count(DISTINCT i) AS items, count(DISTINCT b) AS brands
ORDER BY from_cents
