"""DART: the outbox, its delivery over HTTP, and the comparison of each task on both sides (document 2.3.2, action 4).

DART is for people to collaborate, the tables are for tracking: on conflict the tables win on state. Modules: ``secret``
(the token), ``client`` (HTTP), ``content`` (what is sent), ``outbox`` (what waits), ``delivering`` (one pass),
``comparing`` (both sides of a task), ``recording`` (ids by hand, dead letters).
"""
