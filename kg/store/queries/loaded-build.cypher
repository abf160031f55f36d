// title: The build that is loaded
// question: Which build does the graph show, is it whole, and did it change in place since?
// columns: build, whole, changed_since
// chart: table
MATCH (b:Reckon_Build)
RETURN b.build_id AS build, b.complete AS whole, coalesce(b.touched, false) AS changed_since
