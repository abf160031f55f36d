// title: Items that are listed twice
// question: Which listings were taken for one item, and why?
// parameter: limit integer = 100
// columns: item, title, stands_for, its_title, score, reason
// chart: table
MATCH (a:Item)-[r:SAME_AS]->(b:Item)
RETURN a.item_id AS item, a.title AS title, b.item_id AS stands_for, b.title AS its_title, r.score AS score, r.surface AS reason
ORDER BY score DESC, item LIMIT $limit
