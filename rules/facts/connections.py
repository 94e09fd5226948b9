"""Calls that open a connection, or make a pool or client that holds some."""

from __future__ import annotations

import re
from dataclasses import dataclass

import libcst as cst

from rules.kit import Here, dotted


@dataclass(frozen=True, slots=True)
class Opening:
    """`kind` is engine, client, connection, session or cursor; `name` as it is written."""

    kind: str
    name: str


_KINDS: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("engine", re.compile(
        r"^(sqlalchemy|sqlmodel)\.(\w+\.)*(create_engine|create_async_engine|async_engine_from_config|engine_from_config)$"
    )),
    ("client", re.compile(
        r"^(redis|aioredis)\.(\w+\.)*(Redis|StrictRedis|ConnectionPool)$|^(redis|aioredis)\.(\w+\.)*from_url$"
        r"|^(pymongo|motor)\.(\w+\.)*(MongoClient|AsyncMongoClient|AsyncIOMotorClient)$"
        r"|^(elasticsearch|opensearchpy)\.(Async)?(Elasticsearch|OpenSearch)$"
        r"|^(aiokafka\.AIOKafkaProducer|kafka\.KafkaProducer|confluent_kafka\.Producer)$"
        r"|^asyncpg\.create_pool$|^psycopg_pool\.(Async)?ConnectionPool$|^psycopg2\.pool\.\w+$"
        r"|^(cassandra\.cluster\.Cluster|neo4j\.GraphDatabase\.driver|pika\.BlockingConnection)$"
    )),
    ("connection", re.compile(
        r"^(psycopg2?|asyncpg|sqlite3|aiosqlite|MySQLdb|pymysql|mysql\.connector|cx_Oracle|oracledb|pyodbc"
        r"|aiomysql|snowflake\.connector|duckdb)\.(\w+\.)?(connect|AsyncConnection\.connect|Connection\.connect)$"
    )),
)  # fmt: skip
_LAST = {
    *("create_engine", "create_async_engine", "async_engine_from_config", "engine_from_config"),
    *("Redis", "StrictRedis", "ConnectionPool", "from_url", "MongoClient", "AsyncMongoClient"),
    *("AsyncIOMotorClient", "Elasticsearch", "AsyncElasticsearch", "OpenSearch", "AsyncOpenSearch"),
    *("AIOKafkaProducer", "KafkaProducer", "Producer", "create_pool", "AsyncConnectionPool"),
    *("connect", "Cluster", "driver", "BlockingConnection", "SimpleConnectionPool"),
    "ThreadedConnectionPool",
}
OPENERS = tuple(sorted(_LAST))


def opening_of(node: cst.Call, here: Here) -> Opening | None:
    """What a call opens, if it is one of a driver or client library."""
    if dotted(node.func).rpartition(".")[2] not in _LAST and not isinstance(node.func, cst.Name):
        return None
    for name in here.names(node.func):
        for kind, form in _KINDS:
            if form.search(name):
                return Opening(kind, dotted(node.func))
    return None
