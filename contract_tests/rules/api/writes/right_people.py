"""Right arguments of mutations of users, groups, invitations, API keys and webhooks."""

from contract_tests.rules.api.writes.building import Build, build_where

PEOPLE: dict[str, Build] = {
    "createApiKey": lambda w: {
        "data": {"name": "new", "targetUserEmailId": w["email"], "role": "Labeler", "validitySeconds": 600,
                 "allowedIpCidrs": ["127.0.0.1"]}
    },
    "updateApiKey": lambda w: {"where": {"id": w.create_key()}, "data": {"revoked": True}},
    "updateUser": lambda w: build_where("second_user")(w) | {"data": {"deleted": True}},
    "createUserGroup": lambda w: {
        "data": {"name": "new", "color": "blue", "projectIds": [w["project"]], "userIds": [w["user"]]}
    },
    "updateUserGroup": lambda w: build_where("group")(w) | {
        "data": {"name": "new", "color": "blue", "projectIds": [w["project"]], "userIds": [w["user"]]}
    },
    "createUserGroupV3": lambda w: {
        "data": {"name": "new", "description": "d", "color": "blue", "projectIds": [w["project"]],
                 "userRoles": [{"userId": w["user"], "roleId": w["role"]}], "notifyMembers": False}
    },
    "updateUserGroupV3": lambda w: build_where("group")(w) | {
        "data": {"name": "new", "description": "d", "color": "blue", "projectIds": [w["project"]],
                 "userRoles": [{"userId": w["second_user"], "roleId": w["role"]}], "notifyMembers": False}
    },
    "deleteUserGroup": build_where("group"),
    "addUsersToGroupsV2": lambda w: {
        "where": {"ids": [w["group"]]},
        "data": {"userRoles": [{"userId": w["second_user"], "roleId": w["role"]}], "notifyMembers": False},
    },
    "removeUsersFromGroupV2": lambda w: build_where("group")(w) | {
        "data": {"userIds": [w["user"]], "notifyUsers": False, "reason": "r", "notificationReason": "r"}
    },
    "createInvites": lambda w: {"data": [
        {"inviterId": w["owner"], "inviteeEmail": "one@example.com", "organizationRoleId": w["role"],
         "projects": [{"projectId": w["project"], "projectRoleId": w["role"]}], "userGroupIds": [w["group"]],
         "userGroupWithRoleIds": [{"groupId": w["group"], "roleId": w["role"]}]},
        {"inviteeEmail": "two@example.com", "organizationRoleId": w["role"]},
    ]},
    "inviteMembers": lambda w: {
        "data": {"emails": ["one@example.com", "two@example.com"], "workspaceWide": False, "roleId": w["role"],
                 "projectIds": [w["project"]], "groupIds": [w["group"]]}
    },
    "cancelInvite": build_where("invite"),
    "createWebhook": lambda w: {
        "data": {"project": {"id": w["project"]}, "topics": {"set": ["LABEL_CREATED"]}, "url": "http://127.0.0.1:9/",
                 "secret": "secret"}
    },
    "updateWebhook": lambda w: {
        "where": {"id": w.subscribe()},
        "data": {"topics": {"set": ["LABEL_UPDATED"]}, "url": "http://127.0.0.1:9/other", "status": "INACTIVE"},
    },
}  # fmt: skip
