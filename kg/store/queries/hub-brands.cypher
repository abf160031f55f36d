// title: Brands that most items share
// question: Which brands connect so many items that they say little?
// parameter: limit integer = 20
// columns: brand, items
// chart: bar brand items
MATCH (v:Brand)<-[:HAS_BRAND]-(i:Item)
RETURN v.value AS brand, count(i) AS items
ORDER BY items DESC, brand LIMIT $limit
