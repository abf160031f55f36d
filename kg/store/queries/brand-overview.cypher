// title: A brand at a glance
// question: How many items, shoppers and purchases has this brand, and what does it cost?
// parameter: brand text
// columns: items, shoppers, purchases, average_cents
// chart: table
MATCH (b:Brand)<-[:HAS_BRAND]-(i:Item)
WHERE b.value = $brand
WITH count(i) AS items, avg(i.price_cents) AS average
OPTIONAL MATCH (b:Brand)<-[:HAS_BRAND]-(:Item)<-[r:PURCHASED]-(u:User)
WHERE b.value = $brand
RETURN items, count(DISTINCT u) AS shoppers, sum(r.count) AS purchases, round(average) AS average_cents
