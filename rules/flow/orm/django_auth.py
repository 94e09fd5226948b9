"""The models that Django brings along: users, groups and permissions."""

from __future__ import annotations

from collections.abc import Mapping

from rules.facts.django_models import Relation

AUTH_USER = "django.contrib.auth.models.User"
_GROUP = "django.contrib.auth.models.Group"
_PERMISSION = "django.contrib.auth.models.Permission"
_CONTENT_TYPE = "django.contrib.contenttypes.models.ContentType"
BUILT_IN = frozenset({AUTH_USER, _GROUP, _PERMISSION, _CONTENT_TYPE})
# Bases of a user model of the project, which bring relations to groups and permissions.
USER_BASES = frozenset(
    {"django.contrib.auth.models.AbstractUser", "django.contrib.auth.models.PermissionsMixin"}
)


def relations(user: str) -> Mapping[str, Mapping[str, Relation]]:
    """What leads from each of these models to others; `user` is the user model of the project."""
    of_user = {
        "groups": Relation("groups", _GROUP, many=True, forward=True, inverse="user_set"),
        "user_permissions": Relation(
            "user_permissions", _PERMISSION, many=True, forward=True, inverse="user_set"
        ),
    }
    users = Relation("user_set", user, many=True, forward=False, inverse="groups")
    return {
        AUTH_USER: of_user,
        _GROUP: {
            "permissions": Relation(
                "permissions", _PERMISSION, many=True, forward=True, inverse="group_set"
            ),
            "user_set": users,
        },
        _PERMISSION: {
            "content_type": Relation("content_type", _CONTENT_TYPE, many=False, forward=True),
            "group_set": Relation(
                "group_set", _GROUP, many=True, forward=False, inverse="permissions"
            ),
        },
    }
