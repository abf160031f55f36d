// title: Shoppers like this one
// question: Who buys the same items as this shopper?
// parameter: user text
// parameter: limit integer = 20
// scope: profile:read
// columns: user, shared
// chart: table
MATCH (u:User)-[:PURCHASED]->(i:Item)<-[:PURCHASED]-(other:User)
WHERE u.user_id = $user AND other.user_id <> $user
RETURN other.user_id AS user, count(DISTINCT i) AS shared
ORDER BY shared DESC, user LIMIT $limit
