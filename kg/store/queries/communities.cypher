// title: Groups of items that shoppers buy together
// question: Around which items do those of a category gather in what its best shoppers buy?
// parameter: category text
// parameter: best_shoppers integer = 100
// parameter: leaders integer = 5
// columns: leader, title, members
// chart: graph
MATCH (c:Category)<-[:HAS_CATEGORY]-(i:Item)<-[:PURCHASED]-(u:User)
WHERE c.value = $category
WITH u, collect(i.item_id) AS basket
WITH basket ORDER BY size(basket) DESC LIMIT $best_shoppers
WITH collect(basket) AS baskets
UNWIND baskets AS basket
UNWIND basket AS item
WITH baskets, item, count(*) AS shoppers ORDER BY shoppers DESC, item LIMIT $leaders
WITH baskets, collect(item) AS heads
UNWIND baskets AS basket
UNWIND [x IN heads WHERE x IN basket] AS head
UNWIND [x IN basket WHERE NOT x IN heads] AS member
WITH head, member, count(*) AS together ORDER BY together DESC, head
WITH member, collect(head)[0] AS head ORDER BY member
WITH head, collect(member) AS members
MATCH (l:Item)
WHERE l.item_id = head
RETURN head AS leader, l.title AS title, members
ORDER BY leader
