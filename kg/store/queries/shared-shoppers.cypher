// title: Shoppers of two items
// question: How many shoppers bought each of two items, and how many both?
// parameter: item text
// parameter: other text
// columns: first, second, both
// chart: table
MATCH (i:Item) WHERE i.item_id = $item
MATCH (j:Item) WHERE j.item_id = $other
OPTIONAL MATCH (i)<-[:PURCHASED]-(u:User)
WITH i, j, count(DISTINCT u) AS first
OPTIONAL MATCH (j)<-[:PURCHASED]-(v:User)
WITH i, j, first, count(DISTINCT v) AS second
OPTIONAL MATCH (i)<-[:PURCHASED]-(w:User)-[:PURCHASED]->(j)
RETURN first, second, count(DISTINCT w) AS both
