"""The functions, procedures and key words of Cypher that a reading query may use. What is not listed is not called."""

from __future__ import annotations

PROCEDURES = frozenset(
    {"db.labels", "db.relationshiptypes", "db.propertykeys", "db.schema.visualization", "db.schema.nodetypeproperties", "db.schema.reltypeproperties"}
)
NAMESPACES = {
    "date": "realtime statement transaction truncate",
    "datetime": "realtime statement transaction truncate fromepoch fromepochmillis",
    "time": "realtime statement transaction truncate",
    "localtime": "realtime statement transaction truncate",
    "localdatetime": "realtime statement transaction truncate",
    "duration": "between inmonths indays inseconds",
    "point": "distance withinbbox",
    "vector": "similarity.cosine similarity.euclidean",
}
"""Namespaces of built-in functions, each with its functions; those of extensions may do anything, so they are not called."""

_FUNCTIONS = """
    all any none single exists isempty
    coalesce nullif elementid endnode head id last length properties size startnode timestamp toboolean tobooleanornull tofloat tofloatornull
    tointeger tointegerornull type valuetype randomuuid
    avg collect count max min percentilecont percentiledisc stdev stdevp sum
    keys labels nodes range reduce relationships reverse tail tobooleanlist tofloatlist tointegerlist tostringlist
    abs ceil floor isnan rand round sign e exp log log10 sqrt
    acos asin atan atan2 cos cosh cot coth degrees haversin pi radians sin sinh tan tanh
    btrim char_length character_length left lower ltrim normalize replace right rtrim split substring tolower tostring tostringornull toupper
    trim upper
    date datetime time localtime localdatetime duration point
    shortestpath allshortestpaths
"""
_KEY_WORDS = """
    MATCH OPTIONAL WHERE AND OR NOT XOR IN RETURN WITH CALL EXISTS UNWIND WHEN THEN ELSE CASE BY DISTINCT UNION LIMIT SKIP OFFSET ALL ANY
    SHORTEST PATHS PATH GROUPS GROUP ACYCLIC TRAIL WALK STARTS ENDS CONTAINS IS AS YIELD ORDER COUNT COLLECT END ON MOD TO NULL TRUE FALSE
"""
FUNCTIONS = frozenset(_FUNCTIONS.split())
KEY_WORDS = frozenset(_KEY_WORDS.split())
"""Words that may stand before a bracket without being a function."""
