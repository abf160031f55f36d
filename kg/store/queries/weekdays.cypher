// title: On which days a category is bought
// question: On which day of the week (1 is Monday, UTC) were items of a category last bought?
// parameter: category text
// columns: weekday, purchases
// chart: line weekday purchases
MATCH (c:Category)<-[:HAS_CATEGORY]-(:Item)<-[r:PURCHASED]-(:User)
WHERE c.value = $category AND r.last_time IS NOT NULL
WITH (toInteger(r.last_time) / 86400 + 3) % 7 + 1 AS weekday
RETURN weekday, count(*) AS purchases
ORDER BY weekday
