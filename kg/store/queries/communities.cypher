// title: Groups of items that shoppers buy together
// question: Around which best sellers do the other items of a category gather in what its best shoppers buy?
// parameter: category text
// parameter: best_shoppers integer = 100
// parameter: leaders integer = 5
// columns: leader, title, members
// chart: graph
MATCH (c:Category)<-[:HAS_CATEGORY]-(i:Item)<-[:PURCHASED]-(u:User)
WHERE c.value = $category
WITH i.item_id AS head, count(u) AS shoppers ORDER BY shoppers DESC, head LIMIT $leaders
WITH collect(head) AS heads
MATCH (c:Category)<-[:HAS_CATEGORY]-(i:Item)<-[:PURCHASED]-(u:User)
WHERE c.value = $category
WITH heads, u, collect(i.item_id) AS basket
WITH heads, basket ORDER BY size(basket) DESC LIMIT $best_shoppers
UNWIND [x IN heads WHERE x IN basket] AS head
UNWIND [x IN basket WHERE NOT x IN heads] AS member
WITH head, member, count(*) AS together ORDER BY together DESC, head
WITH member, collect(head)[0] AS head ORDER BY member
WITH head, collect(member) AS members
MATCH (l:Item)
WHERE l.item_id = head
RETURN head AS leader, l.title AS title, members
ORDER BY leader
