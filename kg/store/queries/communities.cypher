// title: Groups of items that shoppers buy together
// question: Around which popular items do the items of a category gather?
// parameter: category text
// parameter: leaders integer = 5
// parameter: limit integer = 100
// columns: leader, title, members
// chart: graph
MATCH (c:Category)<-[:HAS_CATEGORY]-(i:Item)<-[:PURCHASED]-(u:User)
WHERE c.value = $category
WITH c, i, count(u) AS shoppers ORDER BY shoppers DESC, i.item_id LIMIT $leaders
MATCH (i)<-[:PURCHASED]-(u:User)-[:PURCHASED]->(other:Item)-[:HAS_CATEGORY]->(c)
WHERE other.item_id <> i.item_id
WITH i, other, count(DISTINCT u) AS together ORDER BY together DESC, i.item_id
WITH other, collect(i.item_id)[0] AS leader
MATCH (l:Item) WHERE l.item_id = leader
WITH l, other.item_id AS member ORDER BY member
RETURN l.item_id AS leader, l.title AS title, collect(member) AS members
ORDER BY leader LIMIT $limit
