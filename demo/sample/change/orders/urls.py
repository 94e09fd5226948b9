from django.urls import path

from orders import views, webhooks

app_name = "orders"

urlpatterns = [
    path("", views.order_list, name="list"),
    path("by-country", views.orders_by_country, name="by-country"),
    path("export/<slug:table>", views.order_export, name="export"),
    path("parcel-shipped", webhooks.parcel_shipped, name="parcel-shipped"),
    path("<int:pk>", views.order_detail, name="detail"),
]
