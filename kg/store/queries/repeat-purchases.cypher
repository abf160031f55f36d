// title: Items that shoppers buy again
// question: Of which items of a category do most shoppers come back for more?
// parameter: category text
// parameter: min_shoppers integer = 2
// parameter: limit integer = 20
// columns: item, title, shoppers, again
// chart: table
MATCH (c:Category)<-[:HAS_CATEGORY]-(i:Item)<-[r:PURCHASED]-(:User)
WHERE c.value = $category
WITH i, count(r) AS shoppers, sum(CASE WHEN r.count > 1 THEN 1 ELSE 0 END) AS again
WHERE shoppers >= $min_shoppers
RETURN i.item_id AS item, i.title AS title, shoppers, again
ORDER BY 1.0 * again / shoppers DESC, shoppers DESC, item LIMIT $limit
