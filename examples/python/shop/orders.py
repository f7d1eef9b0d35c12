"""Orders of a small shop, with psycopg2."""

import os

import psycopg2

_connection = None


def database():
    global _connection
    if _connection is None or _connection.closed:
        _connection = psycopg2.connect(os.environ.get("SHOP", "dbname=shop"))
    return _connection


def rows(sql, *values):
    with database() as connection, connection.cursor() as cursor:
        cursor.execute(sql, values or None)
        return cursor.fetchall()


def order_list():
    """Number, customer's name and total in cents of each order, newest first."""
    return rows(
        'SELECT o.id, c.name, sum(i.cents) FROM "order" o JOIN customer c ON c.id = o.customer_id JOIN item i ON i.order_id = o.id'
        " GROUP BY o.id, c.name ORDER BY o.placed_on DESC"
    )


def place_order(customer, products):
    with database() as connection, connection.cursor() as cursor:
        cursor.execute('INSERT INTO "order" (customer_id, placed_on) VALUES (%s, current_date) RETURNING id', (customer,))
        number = cursor.fetchone()[0]
        cursor.execute(
            "INSERT INTO item (order_id, product, cents) SELECT %s, * FROM unnest(%s, %s)",
            (number, list(products), list(products.values())),
        )
    return number
