"""What people of a guest are given: shares and grants, roles and groups, contacts, and acting by them."""
