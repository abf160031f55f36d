// title: Best sellers of a category
// question: Which items of a category reach most shoppers?
// parameter: category text
// parameter: limit integer = 20
// columns: item, title, shoppers, purchases
// chart: bar title shoppers
MATCH (c:Category)<-[:HAS_CATEGORY]-(i:Item)<-[r:PURCHASED]-(u:User)
WHERE c.value = $category
RETURN i.item_id AS item, i.title AS title, count(u) AS shoppers, sum(r.count) AS purchases
ORDER BY shoppers DESC, item LIMIT $limit
